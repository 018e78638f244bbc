/**
 * What can go wrong between the client and the server. Screens decide by class and `code`, never by text;
 * texts come from `messages/errors.ts` by the same code.
 */
export abstract class ClientError extends Error {
  abstract readonly code: string;
}

/** The server answered with a problem document (RFC 9457). */
export class ApiError extends ClientError {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number;
  /** What the person reports to the operator, who finds the log line by it. */
  readonly requestId: string | null;
  /** From `Retry-After`. */
  readonly retryAfterSeconds: number | null;
  /** The server's English sentence, for logs only. */
  readonly detail: string | null;

  constructor(fields: ApiErrorFields) {
    super(`${fields.status} ${fields.code}`);
    this.code = fields.code;
    this.status = fields.status;
    this.requestId = fields.requestId;
    this.retryAfterSeconds = fields.retryAfterSeconds;
    this.detail = fields.detail;
  }
}

export interface ApiErrorFields {
  readonly code: string;
  readonly status: number;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  readonly detail: string | null;
}

/** No answer at all: offline, refused, reset, or blocked. */
export class NetworkError extends ClientError {
  override readonly name = "NetworkError";
  readonly code = "network";
}

/** The server took longer than the limit. */
export class TimeoutError extends ClientError {
  override readonly name = "TimeoutError";
  readonly code = "timeout";
}

/** Longest wait that a screen counts down, whatever the server says. */
const RETRY_SECONDS_MAX = 3_600;

/** Reads a failed answer. Bodies that are no problem document (a proxy's page) become `http_<status>`. */
export function apiErrorFrom(response: Response, body: unknown): ApiError {
  const problem = isProblem(body) ? body : null;
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError({
    code: problem?.code ?? `http_${response.status}`,
    status: response.status,
    requestId: problem?.request_id ?? response.headers.get("X-Request-Id"),
    retryAfterSeconds: Number.isFinite(retryAfter)
      ? Math.min(Math.max(Math.ceil(retryAfter), 0), RETRY_SECONDS_MAX)
      : null,
    detail: problem?.detail ?? null,
  });
}

interface Problem {
  readonly code: string;
  readonly detail?: string;
  readonly request_id?: string;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && typeof (body as Problem).code === "string";
}
