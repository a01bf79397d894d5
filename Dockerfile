# The production image: web and worker are the same image with another command. SQLite data lives in /data.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /opt/venv
# Dependencies first: they change less often than the code, so this layer is kept.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir plugin webhooks && touch app.py commands.py commands_moving.py plugin/__init__.py webhooks/__init__.py \
 && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt -e .
COPY . .

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /data --create-home regulars
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER regulars
VOLUME /data
EXPOSE 8000
# Answers only when the web process runs and its database answers; compose.yaml switches it off for the worker.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["regulars"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
