"""The shop's services, one file each; `python -m samples.shop.services.NAME` runs one."""
