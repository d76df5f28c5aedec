import { authenticator } from "../../kit/auth.js";
import { environment } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { forwarder } from "./forward.js";
import { open, publicRoutes } from "./routes.js";

const env = environment();

await service("api-gateway", env, ({ app }) => {
  const authenticate = authenticator(env.DAPR_HTTP_PORT);
  const forward = forwarder(env.DAPR_HTTP_PORT);
  for (const [method, path, service] of publicRoutes) {
    app.router.register(path, [method], async (ctx) => {
      if (!open.has(`${method} ${path}`)) await authenticate(ctx);
      await forward(ctx, service);
    });
  }
  return {};
});
