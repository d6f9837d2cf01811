# Backissue in a small image: the program, system libraries and certificate authorities; no shell.
#
#   docker build --tag backissue .
#   docker run --publish 127.0.0.1:7878:7878 --volume backissue:/data backissue

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# The caches stay on the builder, so the program is copied out of the target folder.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked --package backissue \
    && cp target/dist/backissue /backissue \
    && mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /backissue /usr/local/bin/backissue
COPY --from=build /source/LICENSE-APACHE /source/LICENSE-MIT /usr/share/doc/backissue/
# A new volume takes over this folder's owner, so that the program can write into it.
COPY --from=build --chown=65532:65532 /empty /data
ENV BACKISSUE_DATA=/data \
    BACKISSUE_LISTEN=0.0.0.0:7878
VOLUME /data
EXPOSE 7878
USER 65532:65532
# The image has no HTTP client, so the program asks itself.
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["/usr/local/bin/backissue", "health"]
ENTRYPOINT ["/usr/local/bin/backissue"]
CMD ["serve"]
