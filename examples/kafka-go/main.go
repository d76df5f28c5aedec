// Two programs of somebody else's, beside the platform and without Dapr: a checkout that hands over an order, and an
// accounting that hears what was paid. All they know is docs/api/asyncapi.json.
//
//	go run . order -user <id> -product <id> -price 22.00 -method card_ok
//	go run . listen orders.paid
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Event is a CloudEvent in the structured mode: the record's value is the whole event.
type Event struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time"`
	DataContentType string `json:"datacontenttype"`
	Data            any    `json:"data"`
}

type Line struct {
	ProductID string `json:"product_id"`
	Quantity  int    `json:"quantity"`
	Price     string `json:"price"`
}

// Order is what orders.created says.
type Order struct {
	OrderID       string `json:"order_id"`
	UserID        string `json:"user_id"`
	Total         string `json:"total"`
	Currency      string `json:"currency"`
	ItemsCount    int    `json:"items_count"`
	Items         []Line `json:"items"`
	PaymentMethod string `json:"payment_method,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := errors.New("say what to do: order or listen, and -h for how")
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "order":
			err = order(ctx, os.Args[2:])
		case "listen":
			err = listen(ctx, os.Args[2:])
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// order publishes one order and prints its id once the broker has it.
func order(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("order", flag.ExitOnError)
	brokers := brokersOf(flags)
	user := flags.String("user", "", "the customer's id")
	product := flags.String("product", "", "a product's id")
	price := flags.String("price", "", "its price, which is also the total: one is ordered")
	currency := flags.String("currency", "EUR", "of the price")
	method := flags.String("method", "", "how it is paid; without one the customer pays later")
	id := flags.String("id", "", "the order's id; a new one unless given")
	_ = flags.Parse(args)
	if *id == "" {
		*id = newID()
	}
	placed := Order{*id, *user, *price, *currency, 1, []Line{{*product, 1, *price}}, *method}
	// The same fact has the same id, so saying it twice is harmless.
	value, err := json.Marshal(Event{
		"1.0", "checkout:" + *id, "checkout", "orders.created", *id,
		time.Now().UTC().Format(time.RFC3339Nano), "application/json", placed,
	})
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(*brokers, ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	err = client.ProduceSync(ctx, &kgo.Record{
		Topic:   "orders.created",
		Key:     []byte(*id),
		Value:   value,
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}},
	}).FirstErr()
	if err != nil {
		return fmt.Errorf("the order was not handed over: %w", err)
	}
	fmt.Println(*id)
	return nil
}

// Heard is one line of listen's output.
type Heard struct {
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	Key       string          `json:"key"`
	Event     json.RawMessage `json:"event"`
}

// listen prints the events of topics from the beginning, and goes on where its group has been.
func listen(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("listen", flag.ExitOnError)
	brokers := brokersOf(flags)
	group := flags.String("group", "accounting", "who listens; a group hears everything once")
	_ = flags.Parse(args)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(*brokers, ",")...),
		kgo.ConsumerGroup(*group),
		kgo.ConsumeTopics(flags.Args()...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// What was printed counts as heard, nothing before.
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	out := json.NewEncoder(os.Stdout)
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fetches.EachError(func(topic string, _ int32, err error) { fmt.Fprintln(os.Stderr, topic, err) })
		for _, record := range fetches.Records() {
			event := json.RawMessage(record.Value)
			if !json.Valid(event) {
				fmt.Fprintf(os.Stderr, "%s: a message that is no event\n", record.Topic)
				continue
			}
			if err := out.Encode(Heard{record.Topic, record.Partition, record.Offset, string(record.Key), event}); err != nil {
				return err
			}
		}
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "not noted, will be heard again:", err)
		}
	}
}

func brokersOf(flags *flag.FlagSet) *string {
	return flags.String("brokers", "127.0.0.1:9092", "where Kafka is, also several, with commas")
}

// newID is a random UUID.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
