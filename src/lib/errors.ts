/**
 * The one way to fail. An expected failure is an {@link AppError} with a code from {@link errorCodes} and a sentence
 * that tells the caller what to do; anything else is a bug, masked and logged with the request id.
 */

/** Every code a client can see, with the HTTP status of a request that fails as a whole with it. */
export const errorCodes = {
  BAD_USER_INPUT: 400,
  BAD_CURSOR: 400,
  BAD_REQUEST: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  LIMIT_EXCEEDED: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  SLOW_CONSUMER: 503,
  SERVICE_UNAVAILABLE: 503,
  TIMEOUT: 504,
  INTERNAL_SERVER_ERROR: 500,
} as const;

/** One of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** An expected failure. `message` is public; `cause` and `details` stay in the log unless put into `extensions`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Public facts a client may act on (limit, value, field …); sent in `extensions` beside the code. */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; extensions?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.extensions = options.extensions ?? {};
  }
}

/** The message of anything thrown, for logs and command output. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
