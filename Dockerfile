# Packages are installed apart, so that npm's caches and build tools stay out of the image.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without the embedded PostgreSQL: here DATABASE_URL names one. Without the Node.js of the development set-up: it is the image's.
RUN npm ci --omit=dev --omit=optional

FROM node:24-bookworm-slim
# bubblewrap: the sandbox, see compose.yaml for what it needs from the engine. git: mirrors, hand-over and publishing.
# openssh-client: repositories by SSH. ca-certificates: git and npm over https. Toolchains that your repositories need (python3, go, ...) go here too.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git openssh-client \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node --mode=0700 /var/lib/shipmate
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY mcp-servers ./mcp-servers
COPY src ./src
# Unprivileged: the agent's commands then run as this user in a user namespace, and own nothing of /app.
USER node
ENV NODE_ENV=production
VOLUME /var/lib/shipmate
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/shipmate.mjs", "start"]
