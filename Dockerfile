# One image for each service: `docker build --build-arg SERVICE=backend .` (customer, backend, db-client, and the console).
# docs/guides/images.md has the rest: buildah, several architectures, a mirror of the registry, bill of materials, signature.
#
# The services run as `npm start` runs them: the same TypeScript, by the same Node 24. Nothing is compiled but the console's page,
# and nothing in here depends on the architecture.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

# What npm installs by. Apart from the sources, so that an edit of those installs nothing again.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc ! -path './scripts/*' -delete \
 && find . -type d -empty -delete \
 && find . -exec touch --date=@0 {} +

# The packages that one service runs with.
FROM ${NODE_IMAGE} AS packages
ARG SERVICE
ARG SOURCE_DATE_EPOCH=0
WORKDIR /app
COPY --from=manifests /app/ ./
# The secrets are optional: how to reach a mirror of npm's registry, and whom to trust there. They end in no layer.
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=npm-ca,target=/run/secrets/npm-ca \
    npm ci --omit=dev --ignore-scripts --workspace="services/${SERVICE:?}" \
 && node scripts/image-packages.mjs "${SERVICE}" /packages/app \
 && rm -r node_modules \
 && chmod -R u=rwX,go=rX /packages \
 && find /packages -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

# The console's page. What builds it ends with this stage; the other services have none, and get an empty folder.
FROM manifests AS page
ARG SERVICE
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=npm-ca,target=/run/secrets/npm-ca \
    if [ "${SERVICE:?}" = console ]; then npm ci --ignore-scripts --workspace=services/console; fi
COPY . .
RUN mkdir -p /page/app \
 && if [ "${SERVICE}" = console ]; then \
      node --eval 'import("./scripts/console-page.mjs").then((it) => it.ensureConsolePage(process.execPath) ?? process.exit(1))' \
      && cp --parents -r services/console/dist/page /page/app/; \
    fi

# Its sources, and those of the workspaces among its packages.
FROM packages AS sources
ARG SERVICE
ARG SOURCE_DATE_EPOCH=0
WORKDIR /context
COPY . .
COPY --from=page /page/ /sources/
RUN rm -rf services/console/page \
 && cp --parents -r LICENSE "services/${SERVICE}" /sources/app/ \
 && for link in /packages/app/node_modules/@countersign/*; do \
      cp --parents -r "$(realpath -m --relative-to=/packages/app "$link")" /sources/app/ || exit 1; \
    done \
 && chmod -R u=rwX,go=rX /sources \
 && find /sources -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

# For the inner loop alone: files that can be replaced in the running container, which takes tar and a writable root.
FROM ${NODE_IMAGE} AS live-update
ARG SERVICE
COPY --from=packages --chown=1000:1000 /packages/ /
COPY --from=sources --chown=1000:1000 /sources/ /
WORKDIR /app/services/${SERVICE}
USER 1000:1000
ENTRYPOINT ["node", "--watch"]
CMD ["src/main.ts"]

# Distroless: Node, the C library, certificates, time zones. No shell, no package manager.
FROM ${RUNTIME_IMAGE} AS service
ARG SERVICE
COPY --from=packages /packages/ /
COPY --from=sources /sources/ /
# `node` by its name too, for `kubectl exec` and for other start files.
ENV NODE_ENV=production PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app/services/${SERVICE}
# Numeric: Kubernetes can't tell whether a name is root (runAsNonRoot).
USER 1000:1000
# Node is the first process, and gets SIGTERM itself.
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["src/main.ts"]
ARG RUNTIME_IMAGE
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="countersign/${SERVICE}" \
      org.opencontainers.image.description="Countersign: ${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
