"""The services, one a file. A process that plays one goes by the clock that it was given."""

import os

from samples.shop import clock

if off := float(os.environ.get("SHOP_CLOCK_OFF", "0")):
    clock.set_off(off)
