/** What the API answers, as contracts/ has it, in GraphQL's spelling: order_id is orderId. */
const letter = `
  id: String!
  service: Consumer!
  topic: String!
  reason: String!
  tries: Int!
  at: DateTime!
`;

export const types = `
"A decimal string with as many decimals as its currency has."
scalar Money
"RFC 3339 in UTC."
scalar DateTime
"Any JSON. Maps keep their keys as they are."
scalar JSON

enum Role { customer staff admin }
enum OrderStatus { payment_required payment_failed paid processing shipped delivered cancelled }
enum OrderPaymentStatus { none pending succeeded failed }
enum PaymentStatus { pending succeeded failed }
enum PaymentProvider { card external }
enum RefundStatus { pending failed done }
"The simulated provider's methods are named after what they do."
enum PaymentMethod {
  card_ok card_declined card_insufficient_funds card_timeout_then_ok card_flaky card_refund_fails_once
}
enum TimelineKind { status event saga }
enum Consumer { order payment inventory notification }
enum ReconciliationState { never running done failed }
enum Channel { email log }
enum Delivery { pending sent undelivered }
enum FindingKind { payment provider reservation stock }
enum ReconciliationScope { all changed }

type User {
  id: ID!
  email: String!
  name: String!
  locale: String!
  country: String
  roles: [Role!]!
  createdAt: DateTime!
}

type Customer {
  id: ID!
  email: String!
  name: String!
  locale: String!
  country: String
}

type Token {
  accessToken: String!
  tokenType: String!
  "Seconds."
  expiresIn: Int!
}

type Product {
  id: ID!
  name: String!
  description: String!
  price: Money!
  currency: String!
  active: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  "Null when it was never counted."
  stock: Stock
}

"on hand: owned and not reserved. held: part of on hand, promised. available: the rest of it. reserved: sold."
type Stock {
  productId: ID!
  onHand: Int!
  held: Int!
  available: Int!
  reserved: Int!
}

type Order {
  id: ID!
  userId: ID!
  "Seen by the customer and by admins; null for others."
  customer: Customer
  status: OrderStatus!
  items: [OrderLine!]!
  subtotal: Money!
  tax: Money!
  total: Money!
  currency: String!
  customerNotes: String
  metadata: JSON!
  payBy: DateTime!
  payment: OrderPayment!
  "All attempts and refunds."
  payments: [Payment!]
  reservation: Reservation
  shipment: Shipment
  cancelReason: String
  createdAt: DateTime!
  updatedAt: DateTime!
  version: Int!
}

"Name and price are as they were when the order was placed."
type OrderLine {
  productId: ID!
  name: String!
  quantity: Int!
  price: Money!
  "The product as it is now; null when it is gone."
  product: Product
}

type OrderPayment {
  status: OrderPaymentStatus!
  attempt: Int!
  method: String
  paymentId: ID
  amount: Money
  code: String
  refund: OrderRefund
}

type OrderRefund {
  status: RefundStatus!
  refundId: ID
  amount: Money!
}

type Reservation {
  reservationId: ID!
  reservedAt: DateTime!
}

type Shipment {
  trackingNumber: String
  carrier: String
  shippedAt: DateTime
  deliveredAt: DateTime
}

"Money taken or tried. \`attempt\` is null for money that was taken outside of the platform."
type Payment {
  paymentId: ID!
  orderId: ID!
  userId: ID!
  attempt: Int
  method: String!
  amount: Money!
  currency: String!
  status: PaymentStatus!
  code: String
  provider: PaymentProvider!
  paymentDate: DateTime
  refund: PaymentRefund
}

type PaymentRefund {
  refundId: ID!
  status: RefundStatus!
  refundedAt: DateTime
}

"One line of an order's story. \`seq\` grows by one within an order."
type TimelineEntry {
  seq: Int!
  at: DateTime!
  kind: TimelineKind!
  name: String!
  status: OrderStatus!
  actor: String!
  traceId: String
  detail: JSON
}

type Notification {
  id: ID!
  userId: ID!
  orderId: ID!
  topic: String!
  "How it is worded and formatted: the customer's locale where we speak it, else en."
  locale: String!
  subject: String!
  text: String!
  "log: this system sends no mail."
  channel: Channel!
  delivery: Delivery!
  sentAt: DateTime
  createdAt: DateTime!
}

type DeadLetter {${letter}}

type DeadLetterInFull {${letter}  "The CloudEvent as JSON text."
  body: String!
}

type Reconciliation {
  state: ReconciliationState!
  scope: ReconciliationScope!
  startedAt: DateTime
  finishedAt: DateTime
  "Of the last run that came to its end: orders that changed later are left to the next one."
  asOf: DateTime
  coverage: Coverage!
  "Money that is not where the orders say, by currency."
  drift: JSON!
  "Units that are not where the orders and the ledger say."
  stockDrift: Int!
  findings: [Finding!]!
}

type Coverage {
  orders: Int!
  products: Int!
  skipped: Int!
}

type Finding {
  kind: FindingKind!
  orderId: ID
  productId: ID
  "Of the amounts; null: units."
  currency: String
  expected: String!
  found: String!
  detail: String!
}

"Lists go forwards only: \`first\` is 1 to 100, 20 unless told, \`after\` any edge's cursor."
type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}

${["Product", "Order", "TimelineEntry", "Notification", "DeadLetter"].map(connection).join("")}
`;

function connection(node: string): string {
  return `
type ${node}Connection {
  edges: [${node}Edge!]!
  pageInfo: PageInfo!
}

type ${node}Edge {
  cursor: String!
  node: ${node}!
}
`;
}
