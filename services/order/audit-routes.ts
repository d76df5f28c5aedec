import { api } from "../../contracts/api.js";
import { type Authenticate, mustBeAdmin } from "../../kit/auth.js";
import type { App } from "../../kit/http.js";
import type { Auditor } from "./auditor.js";

export function auditRoutes({ router }: App, auditor: Auditor, authenticate: Authenticate): void {
  router.get(api.reconciliation.path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    ctx.body = await auditor.last();
  });

  router.post(api.reconcile.path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    ctx.body = await auditor.compareAll();
    ctx.status = 202;
  });
}
