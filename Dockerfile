# Two images from one build: prosms (the default) and sandbox (the fake provider).
#   docker build --target prosms -t prosms .
# Each holds static programs, CA certificates and nothing else: no shell, no
# package manager. They run as user 65532 and write nowhere but in /data.

FROM golang:1.26.8-bookworm AS build
ENV CGO_ENABLED=0 GOWORK=off GOCACHE=/cache/build GOMODCACHE=/cache/mod
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
# timetzdata: quiet hours need time zones, and an empty image has none.
RUN --mount=type=cache,target=/cache \
    go build -trimpath -buildvcs=false -tags=timetzdata -ldflags="-s -w" -o /out/ ./cmd/prosms ./cmd/sandbox ./cmd/healthcheck \
    && mkdir /out/data

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/healthcheck /healthcheck
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
USER 65532:65532

FROM base AS sandbox
COPY --from=build /out/sandbox /sandbox
EXPOSE 9100
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/healthcheck", "http://127.0.0.1:9100/"]
ENTRYPOINT ["/sandbox"]
CMD ["-http", ":9100"]

FROM base AS prosms
COPY --from=build /out/prosms /prosms
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/healthcheck", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["/prosms"]
CMD ["serve"]
