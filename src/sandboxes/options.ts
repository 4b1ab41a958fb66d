/** What the configuration says about sandboxes; the same for every driver. */
export interface SandboxOptions {
  /** The host user that commands run as when the service is root. */
  uid: number;
  /** Toolchains outside /usr: visible at the same path, their `bin` on PATH. */
  readOnlyPaths: string[];
  /** Of one sandbox, all its commands together; null: no limit. */
  limits: { memoryBytes: number | null; processes: number | null };
  /** The service's own PATH: npm, pnpm, yarn and corepack are looked for there. */
  searchPath: string;
  /** Where each sandbox's private /tmp and home lie on the host. */
  tempDir: string;
}
