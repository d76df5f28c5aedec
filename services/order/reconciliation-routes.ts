import { api } from "../../contracts/api.js";
import { type Authenticate, mustBeAdmin } from "../../kit/auth.js";
import type { App } from "../../kit/http.js";
import type { Reconciler } from "./reconciler.js";

export function reconciliationRoutes({ router }: App, reconciler: Reconciler, authenticate: Authenticate): void {
  router.get(api.reconciliation.path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    ctx.body = await reconciler.last();
  });

  router.post(api.reconcile.path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    ctx.body = await reconciler.compareAll();
    ctx.status = 202;
  });
}
