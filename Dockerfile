# The lab target in a container: built and unit-tested in the first stage, a slim image without compiler in the second.
#   docker build -t faultlun .
#   docker run --rm -p 3260:3260 faultlun --config /etc/faultlun/faultlun.json --advertise 192.0.2.10:3260
# where 192.0.2.10 is an address of the machine that runs the container: an initiator is told to come back to the
# advertised address, and the container's own would not be reachable from outside.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY packaging/install-packages.sh packaging/build-packages.txt packaging/image-test-packages.txt packaging/
RUN packaging/install-packages.sh packaging/build-packages.txt packaging/image-test-packages.txt
COPY . .
# UNIT_TESTS=OFF builds the program alone, in half the time.
ARG UNIT_TESTS=ON
RUN cmake --preset release -DFAULTLUN_TESTS="$UNIT_TESTS" -DFAULTLUN_WERROR=ON \
 && ninja -C build/release faultlun \
 && strip -o /faultlun build/release/faultlun
RUN if [ "$UNIT_TESTS" = ON ]; then \
      ninja -C build/release bytes_test scsi_test iscsi_test faults_test lun_backends_test config_test daemon_test \
   && ctest --test-dir build/release --output-on-failure --no-tests=error -j "$(nproc)" -R '^unit/'; \
    fi

FROM debian:bookworm-slim
COPY packaging/install-packages.sh packaging/runtime-packages.txt /tmp/packaging/
RUN /tmp/packaging/install-packages.sh /tmp/packaging/runtime-packages.txt \
 && rm -rf /tmp/packaging /var/lib/apt/lists/* \
 && groupadd --gid 10001 faultlun \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/faultlun --shell /usr/sbin/nologin faultlun \
 && install -d -o faultlun -g faultlun /var/lib/faultlun
COPY --from=build /faultlun /usr/bin/faultlun
COPY packaging/container.json /etc/faultlun/faultlun.json
USER 10001:10001
# File backends with relative paths live here; mount a volume over it to keep them.
WORKDIR /var/lib/faultlun
# 3260 serves initiators.  8326 is the control API: it listens on the container's loopback until the configuration says otherwise.
EXPOSE 3260 8326
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --retries=3 CMD ["faultlun", "healthcheck"]
ENTRYPOINT ["faultlun", "serve"]
CMD ["--config", "/etc/faultlun/faultlun.json"]
