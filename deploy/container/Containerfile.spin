# Spin 4.1 alone: the spinImage of spin-operator's executor, which pulls the application itself.
#   mkdir -p target/spin && cp /usr/local/bin/spin target/spin/
#   podman build -f deploy/container/Containerfile.spin -t registry.corp.example/spin:4.1.0 target/spin
# spin-operator gives the arguments: up --listen 0.0.0.0:80 -f IMAGE --runtime-config-file /runtime-config.toml
#
# The image of the operating system has the CAs that Spin trusts. Spin is linked against its glibc: use the release that your Spin was
# built for.
FROM docker.io/library/debian:12-slim
# Debian removes old versions of its packages, so a pinned one stops the build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home spin \
    && mkdir -p /opt/spin/logs \
    && ln -s /dev/null /opt/spin/logs/idhook_stdout.txt \
    && ln -s /dev/null /opt/spin/logs/idhook_stderr.txt
# A private CA of the registry, or of a Redis with TLS: Spin trusts the operating system's CAs for these.
# COPY corp-ca.crt /usr/local/share/ca-certificates/
# RUN update-ca-certificates
COPY spin /usr/local/bin/spin
# Port 80 needs a container runtime that allows it to all users, such as containerd 2; otherwise remove this line.
USER 10001
# Spin keeps the application and compiled components in the home.
ENV HOME=/home/spin
WORKDIR /home/spin
EXPOSE 80
# The log goes to stderr. Spin writes it to files as well, which nothing ever shortens.
ENV SPIN_LOG_DIR=/opt/spin/logs
# Each connection is an open file, and Spin ends when it can open no further one; containers often begin with 1024. A SpinApp has no field for it.
ENTRYPOINT ["sh", "-c", "ulimit -n \"$(ulimit -Hn)\"; exec spin \"$@\"", "spin"]
