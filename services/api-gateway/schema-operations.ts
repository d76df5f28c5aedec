/** The public routes as GraphQL: each field is the route of its name in contracts/api.ts, which says who may what. */
export const operations = `
type Query {
  me: User
  "Self or admin."
  user(id: ID!): User
  "The catalogue, by name. \`q\` finds products whose name holds it."
  products(q: String, first: Int, after: String): ProductConnection
  product(id: ID!): Product
  "Your orders, newest first; staff: all orders."
  orders(status: OrderStatus, first: Int, after: String): OrderConnection
  "That customer or staff."
  ordersOfCustomer(customerId: ID!, status: OrderStatus, first: Int, after: String): OrderConnection
  "Owner or staff."
  order(id: ID!): Order
  "What happened to an order, in its order. Owner or staff."
  timeline(orderId: ID!, first: Int, after: String): TimelineEntryConnection
  "Payment attempts and refunds. Owner or staff."
  payments(orderId: ID!): [Payment!]
  "Owner or staff."
  payment(id: ID!): Payment
  stock(productId: ID!): Stock
  "Messages to you, newest first."
  notifications(first: Int, after: String): NotificationConnection
  "Messages that no service could handle, newest first. Admin."
  deadLetters(service: Consumer, first: Int, after: String): DeadLetterConnection
  "Admin."
  deadLetter(service: Consumer!, id: String!): DeadLetterInFull
  "Whether money and stock are where the orders say: the last run. Admin."
  reconciliation: Reconciliation
}

"The same idempotencyKey (1 to 255 printable ASCII characters) and content is the same request, however often it is sent."
type Mutation {
  signUp(input: SignUpInput!): User
  signIn(email: String!, password: String!): Token
  changeMe(input: ChangeMeInput!): User
  "Admin. They count from the account's next access token on."
  setRoles(id: ID!, roles: [Role!]!): User
  "Admin."
  addProduct(input: ProductInput!, idempotencyKey: String): Product
  "Admin."
  changeProduct(id: ID!, input: ProductInput!): Product
  "Admin. True when it is gone; orders that hold it keep its name and price."
  removeProduct(id: ID!): Boolean
  "The order is stored when this answers. Out of stock is a CONFLICT with product_id, requested_qty, available_qty."
  placeOrder(input: PlaceOrderInput!, idempotencyKey: String!): Order
  "Owner or staff. \`ifMatch\`: the version it was read with; PRECONDITION_FAILED when it is another by now."
  changeOrder(id: ID!, input: ChangeOrderInput!, ifMatch: Int, idempotencyKey: String): Order
  "Staff ships, delivers, records an offline payment or cancels; the owner may only cancel."
  setStatus(id: ID!, input: SetStatusInput!, idempotencyKey: String): Order
  "Owner or staff. What was paid is given back and the goods are released."
  cancelOrder(id: ID!, reason: String, idempotencyKey: String): Order
  "Owner. The first payment, or the next after a refusal."
  payOrder(id: ID!, paymentMethod: PaymentMethod!, idempotencyKey: String): Order
  "Admin. True when it is deleted."
  removeOrder(id: ID!): Boolean
  "Staff. Records that an external payment was paid back."
  recordRefund(id: ID!, reference: String!): Payment
  "Staff."
  setStock(productId: ID!, onHand: Int!): Stock
  "Admin. Hands a dead letter to its consumer again; true when it was handled and is gone."
  redrive(service: Consumer!, id: String!): Boolean
  "Admin. True when it is gone."
  discard(service: Consumer!, id: String!): Boolean
  "Admin. Starts a run."
  reconcile: Reconciliation
}

type Subscription {
  "The timeline as it grows, from its stored beginning or after the entry with that \`seq\`. Owner or staff."
  orderEvents(orderId: ID!, after: Int): TimelineEntry!
}

input SignUpInput {
  email: String!
  password: String!
  name: String!
  locale: String
  country: String
}

input ChangeMeInput {
  name: String
  locale: String
  country: String
  password: String
  currentPassword: String
}

input ProductInput {
  name: String!
  description: String
  price: Money!
  currency: String!
  active: Boolean
}

input OrderLineInput {
  productId: ID!
  quantity: Int!
}

input PlaceOrderInput {
  items: [OrderLineInput!]!
  currency: String
  "With it the order is charged at once; without, it waits for payOrder until \`payBy\`."
  paymentMethod: PaymentMethod
  customerNotes: String
  metadata: JSON
}

"Null empties the notes; metadata is merged key by key, null removes a key."
input ChangeOrderInput {
  customerNotes: String
  metadata: JSON
}

input SetStatusInput {
  status: OrderStatus!
  reason: String
  trackingNumber: String
  carrier: String
  paymentReference: String
}
`;
