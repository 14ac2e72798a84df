# GPU image (driver 580 or later):  docker build -t alignsar_gpu .
# for drivers from 525 on:          docker build -t alignsar_gpu --build-arg EXTRA=cuda12 .
# CPU-only image:                   docker build -t alignsar_gpu:cpu --build-arg EXTRA=cpu .
# Run:                              docker run --rm --gpus all -v "$PWD:/data" alignsar_gpu +experiment=demo
# CUDA's libraries are wheels of the extra; the host brings the driver (docs/gpu.md).
FROM ubuntu:24.04

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

# What --gpus all hands to the container. Compiled kernels and matplotlib's fonts are cached where any user may write.
ENV PATH=/opt/alignsar/bin:$PATH \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 alignsar && mkdir /data && chown alignsar /data
USER alignsar
WORKDIR /data
ENTRYPOINT ["python", "-m", "alignsar_gpu"]
CMD ["--help"]
