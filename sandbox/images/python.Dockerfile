# A Python and the dependencies of one repository, from wheels that stand in the context: built without network.
ARG BASE
FROM ${BASE} AS installed
ARG BUILD
LABEL solve.image=stage solve.build=${BUILD}
COPY wheels /tmp/wheels
# pip compiles while it installs: a test suite that turns warnings into errors must not meet those of compiling.
RUN python3 -m venv /opt/venv \
 && find /tmp/wheels -name '*.whl' -exec /opt/venv/bin/python -m pip install --quiet --no-index --no-deps \
      --no-cache-dir --disable-pip-version-check {} +

FROM ${BASE}
# The wheels themselves, and whatever installing them left in /tmp, stay behind in the stage above.
COPY --from=installed --chown=1000:1000 /opt/venv /opt/venv
RUN { getent passwd 1000 >/dev/null || useradd --uid 1000 --create-home solve; } \
 && mkdir -p /work && chown 1000:1000 /work
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin VIRTUAL_ENV=/opt/venv
LABEL solve.image=dependencies
WORKDIR /work
USER 1000:1000
