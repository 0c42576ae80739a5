# syntax=docker/dockerfile:1
# Two stages: the first installs and builds, the second holds only what runs. Node 24 is 1.2 to 2 times faster than 20.

FROM node:24.11.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY prisma ./prisma
COPY prisma.config.ts tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/generate.mjs && node scripts/build.mjs
# The tools that packages name as optional peers (Prisma's command line, TypeScript) go too; then what the program never
# opens: Prisma's compilers for other databases, ccxt's one-file builds (its modules in js/ run), packages' types and maps.
RUN npm prune --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/ccxt/dist \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.postgresql.*' -delete \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:24.11.1-bookworm-slim
LABEL org.opencontainers.image.title="TokenGraph" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.description="A self-hostable GraphQL data API for crypto markets"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
COPY --from=build --chown=root:root /app/prisma ./prisma
COPY --chown=root:root package.json LICENSE NOTICE ./
USER node
VOLUME /data
EXPOSE 4000
# The first start writes the simulated history before it is ready.
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/main.js"]
CMD ["start"]
