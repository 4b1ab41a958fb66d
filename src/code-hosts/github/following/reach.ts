/** One repository's REST API, and GraphQL beside it. All throw `VendorError`. */
export interface Reach {
  /** What has not changed is not sent again. */
  get<T>(route: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<T>;
  /** All pages of it, each as `get`. */
  list<T>(route: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<T[]>;
  /** Writes; it is sent once. */
  send<T>(route: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<T>;
  /** What a route redirects to, as it comes; the token stays behind. null: there is nothing (any more). */
  stream(
    route: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | null>;
  /** `$owner` and `$repo` are filled in where the document has them. */
  graphql<T>(document: string, variables: Record<string, unknown>, signal: AbortSignal): Promise<T>;
}
