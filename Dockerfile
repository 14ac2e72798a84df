# GPU image (default):  docker build -t alignsar_gpu .
# CPU-only image:       docker build -t alignsar_gpu:cpu --build-arg BASE=ubuntu:24.04 --build-arg EXTRA=cpu .
# Run:                  docker run --rm --gpus all -v "$PWD:/data" alignsar_gpu +experiment=demo
ARG BASE=nvidia/cuda:13.0.1-runtime-ubuntu24.04
FROM ${BASE}

ARG EXTRA=cuda13
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml README.md LICENSE /src/
COPY alignsar_gpu /src/alignsar_gpu
COPY configs /src/configs
COPY kernels /src/kernels
RUN python3 -m venv /opt/alignsar \
    && if [ "$EXTRA" = cpu ]; then target=/src; else target="/src[$EXTRA]"; fi \
    && /opt/alignsar/bin/pip install --no-cache-dir "$target" \
    && rm -rf /src

# Compiled kernels and matplotlib's fonts are cached where any user may write.
ENV PATH=/opt/alignsar/bin:$PATH \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 alignsar && mkdir /data && chown alignsar /data
USER alignsar
WORKDIR /data
ENTRYPOINT ["python", "-m", "alignsar_gpu"]
CMD ["--help"]
