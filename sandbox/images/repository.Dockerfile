# A repository, built in a sandbox before, on top of its dependencies. Nothing runs here.
ARG BASE
FROM ${BASE}
COPY --chown=1000:1000 installed/ /opt/venv/
COPY --chown=1000:1000 tree/ /work/
LABEL solve.image=repository
