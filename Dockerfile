# docker build -t expressions . && docker run --rm -p 7860:7860 expressions
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 app
WORKDIR /home/app/expressions

# Dependencies first: they change less often than the code.
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY --chown=app . .
USER 1000

ENV GRADIO_SERVER_NAME=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 7860
# Asks the app whether the network and every detector work, not only whether it listens.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD ["python", "-c", "from gradio_client import Client; assert Client('http://127.0.0.1:7860', verbose=False).predict(api_name='/health')['ok']"]
CMD ["python", "app.py", "--port", "7860"]
