import createFetchClient, { type Client } from "openapi-fetch";
import { apiErrorFrom, NetworkError, TimeoutError } from "./errors";
import type { paths } from "./schema";

export interface ApiOptions {
  /** Scheme and host of the server; empty for the page's own. */
  readonly baseUrl?: string;
  readonly fetch?: (request: Request) => Promise<Response>;
  /** After this a request counts as failed. */
  readonly timeoutMs?: number;
}

export type HttpClient = Client<paths>;

const TIMEOUT_MS = 15_000;

/** The typed HTTP client. Every failure it throws is a `ClientError`. */
export function createHttpClient(options: ApiOptions = {}): HttpClient {
  const send = options.fetch ?? ((request: Request) => globalThis.fetch(request));
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return createFetchClient<paths>({
    baseUrl: options.baseUrl ?? "",
    fetch: (request) => sendWithTimeout(send, request, timeoutMs),
  });
}

async function sendWithTimeout(
  send: (request: Request) => Promise<Response>,
  request: Request,
  timeoutMs: number,
): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([request.signal, timeout]);
  try {
    return await send(new Request(request, { signal }));
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    if (timeout.aborted) throw new TimeoutError("no answer in time", { cause });
    throw new NetworkError("no answer", { cause });
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws an `ApiError` for any other. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok || data === undefined) throw apiErrorFrom(response, error);
  return data;
}
