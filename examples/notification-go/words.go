package main

import (
	"fmt"
	"time"
)

var subjects = map[string]string{
	"orders.created":        "We have your order",
	"orders.paid":           "We have your payment",
	"orders.payment_failed": "Your payment did not go through",
	"orders.processing":     "We are packing your order",
	"orders.shipped":        "Your order is on its way",
	"orders.delivered":      "Your order has arrived",
	"orders.cancelled":      "Your order is cancelled",
	"payments.refunded":     "Your money is on its way back",
}

// textOf is what a customer reads. Free text of anyone's is not repeated.
func textOf(topic string, data map[string]any) string {
	money := func(amount string) string { return fmt.Sprintf("%v %v", data["currency"], data[amount]) }
	day := func(field string) string {
		text, _ := data[field].(string)
		at, _ := time.Parse(time.RFC3339, text)
		return at.UTC().Format("January 2, 2006")
	}
	switch topic {
	case "orders.created":
		return "Your order for " + money("total") + " has reached us."
	case "orders.paid":
		return "Thank you: we received " + money("amount") + " on " + day("payment_date") + "."
	case "orders.payment_failed":
		return "Your payment was refused. You can pay again; your goods stay reserved for a while."
	case "orders.processing":
		return "Your goods are reserved and are being packed."
	case "orders.shipped":
		return fmt.Sprintf("We handed it to %v on %s. The tracking number is %v.", data["carrier"], day("shipped_at"), data["tracking_number"])
	case "orders.delivered":
		return "It was delivered on " + day("delivered_at") + ". Enjoy it!"
	case "orders.cancelled":
		return "It was cancelled. If you have paid, the money comes back to you."
	case "payments.refunded":
		return "We paid " + money("amount") + " back on " + day("refunded_at") + "."
	}
	return ""
}
