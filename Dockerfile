# One image for every role: `docker run IMAGE coordinator ...`, `docker run IMAGE worker ...`, `docker run IMAGE train ...`.
#
#   docker build -t vaecluster:cpu .                          Debian's libtorch, CPU
#   docker build -t vaecluster:cuda --build-arg VARIANT=cuda .   the official packages, CUDA 12.8
#
# It runs as user 10001 with a read-only root: what a run writes goes to the volumes it is given, and to /tmp.
# eng/image.py carries the same steps out without a container engine; see deploy/README.md for what was tried how.
ARG VARIANT=cpu
ARG DOTNET_SDK=mcr.microsoft.com/dotnet/sdk:10.0.401-noble
ARG DOTNET_RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0.12-noble
ARG DEBIAN=debian:12.11-slim
ARG CUDA=nvidia/cuda:12.8.1-base-ubuntu24.04

FROM ${DOTNET_SDK} AS sdk
FROM ${DOTNET_RUNTIME} AS runtime

# ---- build: both variants compile on Debian 12, whose glibc is the older one
FROM ${DEBIAN} AS tools
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates cmake curl g++ libopencv-dev libssl3 libturbojpeg0-dev make unzip \
 && rm -rf /var/lib/apt/lists/*
COPY --from=sdk /usr/share/dotnet /usr/share/dotnet
ENV PATH=/usr/share/dotnet:$PATH CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 NUGET_PACKAGES=/nuget
WORKDIR /build

FROM tools AS tools-cpu
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libopenblas0-pthread libtorch-dev \
 && rm -rf /var/lib/apt/lists/*

FROM tools-cpu AS build-cpu
COPY . .
RUN --mount=type=cache,target=/nuget \
    dotnet publish src/VaeCluster -c Release --nologo -v quiet -p:RunAnalyzers=false -p:DebugType=none -p:GenerateDocumentationFile=false -o /app

# The native additions need headers, which the official packages do not bring: those of the same libtorch version.
FROM tools AS build-cuda
ARG LIBTORCH=2.10.0
RUN curl -fsSL -o /tmp/libtorch.zip "https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-${LIBTORCH}%2Bcpu.zip" \
 && unzip -q /tmp/libtorch.zip -d /opt \
 && rm /tmp/libtorch.zip
COPY . .
RUN --mount=type=cache,target=/nuget \
    dotnet publish src/VaeCluster -c Release --nologo -v quiet -p:RunAnalyzers=false -p:DebugType=none -p:GenerateDocumentationFile=false -o /app \
      -r linux-x64 --self-contained false -p:OfficialPackages=true -p:TorchSharpRuntime=TorchSharp-cuda-linux -p:LibtorchPath=/opt/libtorch

FROM build-${VARIANT} AS build

# ---- what the program needs to run
FROM ${DEBIAN} AS base-cpu
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libopenblas0-pthread libopencv-imgcodecs406 libssl3 libtorch1.13 libturbojpeg0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*

# The official packages bring CUDA's libraries along; the driver is the host's.
FROM ${CUDA} AS base-cuda
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libgomp1 libopencv-imgcodecs406t64 libssl3t64 libturbojpeg \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM base-${VARIANT} AS image
ARG VARIANT
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="VaeCluster" \
      org.opencontainers.image.description="Trains image autoencoders, exactly, on one machine or many (${VARIANT})" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=runtime /usr/share/dotnet /usr/share/dotnet
COPY --from=build /app /app
# No diagnostic pipes, which would be files in /tmp; what can be made again is kept in /tmp/cache.
ENV PATH=/app:/usr/share/dotnet:$PATH DOTNET_EnableDiagnostics=0 HOME=/tmp XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
WORKDIR /tmp
EXPOSE 5000 5001 9464
ENTRYPOINT ["vaecluster"]
CMD ["--help"]
