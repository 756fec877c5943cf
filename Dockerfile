# docker build -t expressions . && docker run --rm -p 7860:7860 expressions
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 app
WORKDIR /home/app/expressions

# Dependencies first: they change less often than the code.
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY --chown=app . .
USER app

ENV GRADIO_SERVER_NAME=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/gradio_api/startup-events', timeout=4)"]
CMD ["python", "app.py", "--port", "7860"]
