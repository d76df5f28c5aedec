import { authenticator } from "../../kit/auth.js";
import { environment } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { forwarder } from "./forward.js";
import { forwarded } from "./routes.js";

const env = environment();

await service("api-gateway", env, ({ app }) => {
  const authenticate = authenticator(env.DAPR_HTTP_PORT);
  const forward = forwarder(env.DAPR_HTTP_PORT);
  for (const { method, path, service, open } of forwarded) {
    app.router.register(path, [method], async (ctx) => {
      if (!open) await authenticate(ctx);
      await forward(ctx, service);
    });
  }
  return {};
});
