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
  const expired = new TimeoutError("no answer in time");
  const timeout = new AbortController();
  // A timer of its own and not `AbortSignal.timeout`: Node collects a signal that only other signals
  // refer to (nodejs/node#57736), and the request would wait for ever. It runs on while the body is read.
  const expiry = new Promise<never>((_, reject) => {
    setTimeout(() => {
      timeout.abort(expired);
      reject(expired);
    }, timeoutMs);
  });
  const signal = AbortSignal.any([request.signal, timeout.signal]);
  try {
    return await Promise.race([send(new Request(request, { signal })), expiry]);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    if (timeout.signal.aborted) throw expired;
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
