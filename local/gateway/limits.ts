/** Source: quotas of API Gateway REST APIs, "Payload size". */
export const MAX_REQUEST_BODY_BYTES = 10 * 1024 * 1024;

/** The event or the result of one invocation, as JSON. Source: the number in Lambda's own refusal, "6291556 bytes". */
export const MAX_LAMBDA_PAYLOAD_BYTES = 6_291_556;

/** Source: quotas of API Gateway REST APIs, "Integration timeout". */
export const BUFFERED_TIMEOUT_MILLISECONDS = 29_000;

/** Source: response transfer mode STREAM of API Gateway REST APIs. */
export const STREAMING_TIMEOUT_MILLISECONDS = 15 * 60 * 1_000;
