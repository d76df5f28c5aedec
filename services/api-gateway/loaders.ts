import DataLoader from "dataloader";
import type { z } from "zod";
import { StockAnswer } from "../../contracts/inventory.js";
import { PaymentsAnswer } from "../../contracts/payment.js";
import { ProductsAnswer } from "../../contracts/product.js";
import { UsersAnswer } from "../../contracts/user.js";
import type { Call } from "./call.js";

/**
 * What belongs to the things on a page, asked for all of them at once. Products and stock are anyone's to see. For
 * payments and customers the services look at the bearer and leave out what is not for them; an authorization goes
 * with every question, if only one that says nobody, so that nobody is never taken for a service.
 */
export function loaders(call: Call) {
  const load = <A extends z.ZodType, T>(
    [app, path, ids, answer]: [app: string, path: string, ids: string, answer: A],
    of: (answer: z.output<A>, id: string) => T,
  ) =>
    new DataLoader<string, T>(
      async (keys) => {
        const found = await call.rpc(app, path, { [ids]: keys }, answer);
        return keys.map((key) => of(found, key));
      },
      { maxBatchSize: 100 },
    );

  return {
    product: load(["product", "/rpc/products", "product_ids", ProductsAnswer], ({ products }, id) =>
      products.find((product) => product.id === id),
    ),
    stock: load(["inventory", "/rpc/stock", "product_ids", StockAnswer], ({ stock }, id) =>
      stock.find(({ product_id }) => product_id === id),
    ),
    payments: load(["payment", "/rpc/payments", "order_ids", PaymentsAnswer], ({ payments }, id) =>
      payments.filter(({ order_id }) => order_id === id),
    ),
    customer: load(["user", "/rpc/users", "user_ids", UsersAnswer], ({ users }, id) =>
      users.find((user) => user.id === id),
    ),
  };
}
