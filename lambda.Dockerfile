# http_chat on AWS Lambda, with answers that stream: an image of agentcore, with or without your agents, and the Web Adapter.
# No other role runs from it: the adapter starts with every function of its image and takes the events.
#
#   docker build --build-arg IMAGE=REGISTRY/agentcore:1.0 --tag REGISTRY/agentcore:1.0-web - < lambda.Dockerfile
ARG IMAGE=agentcore:dev
ARG ADAPTER_IMAGE=public.ecr.aws/awsguru/aws-lambda-adapter:1.0.1

FROM ${ADAPTER_IMAGE} AS adapter

FROM ${IMAGE}
COPY --from=adapter /lambda-adapter /opt/extensions/lambda-adapter
# Only the adapter talks to the server, so nobody else can reach it.
ENV AWS_LWA_PORT=8000 AWS_LWA_READINESS_CHECK_PATH=/healthz AWS_LWA_INVOKE_MODE=response_stream
ENTRYPOINT ["uvicorn"]
CMD ["--host", "127.0.0.1", "--port", "8000", "--no-access-log", "http_chat.asgi:app"]
