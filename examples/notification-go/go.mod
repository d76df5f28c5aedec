module orders-on-dapr/examples/notification-go

go 1.24
