/** A tool server of ours that reads something at a vendor's, by a token. Two that are equal share one process. */
export interface TokenServer {
  /** Its folder under `mcp-servers`; its tools are called by it. */
  name: string;
  /** What it is started with beside `--token-file`. */
  args: string[];
  /** What it sees of an environment; no secrets. */
  env: Record<string, string>;
  /** Asked before each call. Only the server's own process gets it, and in a file. Throws `VendorError`. */
  token(signal: AbortSignal): Promise<string>;
  /** Its tools that change nothing. */
  readOnly: string[];
}
