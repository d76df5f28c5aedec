# Two images. `docker build .` makes that of the platform: every service, the console and client/load.js, of which compose and
# Kubernetes name the one to start. `docker build --target provider .` makes that of the simulated payment provider.
ARG NODE_VERSION=24.11.1

FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund

FROM packages AS production
# What only people and debuggers read is a third of it.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete

FROM packages AS build
COPY . .
RUN npm run build:image && mkdir ledger

FROM node:${NODE_VERSION}-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=production /app/node_modules ./node_modules
# It owns nothing here, and writes nothing.
USER 10001:10001

FROM runtime AS provider
COPY --from=build /app/dist/tools ./dist/tools
COPY --from=build --chown=10001:10001 /app/ledger /data
ENV HOST=0.0.0.0 PORT=8090 DATA_DIR=/data
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=2s CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/healthz').then(({ok})=>process.exit(ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/tools/payment-provider/main.js"]

FROM runtime AS platform
COPY --from=build /app/dist/client ./dist/client
COPY --from=build /app/dist/contracts ./dist/contracts
COPY --from=build /app/dist/kit ./dist/kit
COPY --from=build /app/dist/services ./dist/services
COPY --from=build /app/dist/web ./dist/web
# Ready means that its sidecar and what that needs are there too.
HEALTHCHECK --interval=5s --timeout=2s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.APP_PORT+'/readyz').then(({ok})=>process.exit(ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/services/api-gateway/main.js"]
