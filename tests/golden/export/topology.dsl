workspace "flowtap" "Who produces and consumes what, as it was seen." {
    model {
        n0 = softwareSystem "bank"
        n1 = softwareSystem "payment"
        n2 = softwareSystem "storefront"
        n3 = softwareSystem "legacy" "" "Destination"
        n4 = softwareSystem "orders" "" "Destination"
        n5 = softwareSystem "payments" "" "Destination"
        n6 = softwareSystem "audit" "" "Consumer group"
        n7 = softwareSystem "postgres" "" "Called only"
        n8 = softwareSystem "unknown producer of legacy" "" "Unknown producer"
        n3 -> n1 "is consumed" "" "Inferred"
        n4 -> n1 "is consumed order.created as pay"
        n5 -> n6 "is consumed as audit"
        n0 -> n7 "calls"
        n1 -> n5 "produces payment.taken"
        n1 -> n0 "calls"
        n2 -> n4 "produces order.cancelled, order.created"
        n8 -> n3 "produces"
    }
    views {
        systemLandscape {
            include *
            autoLayout lr
        }
        styles {
            element "Destination" {
                shape Pipe
            }
            element "Event type" {
                shape Folder
            }
            element "Unknown producer" {
                shape Robot
            }
            relationship "Inferred" {
                style dashed
            }
        }
    }
}
