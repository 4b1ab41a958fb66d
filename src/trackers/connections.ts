/** How an adapter gets into one workspace, as all processes of the service know it. */
export interface Connection {
  /** Within its kind. */
  id: string;
  /** What may be shown: plain JSON. */
  about: unknown;
  /** Tokens, encrypted by the adapter; null: there are none. */
  sealed: Uint8Array | null;
  /** Why nothing can be had with them any more; null: they are believed to be good. */
  lost: string | null;
}

/** Where adapters keep connections. `kind` is the adapter's own word for one sort of them. */
export interface Connections {
  list(kind: string): Promise<Connection[]>;
  read(kind: string, id: string): Promise<Connection | null>;
  /**
   * Changes one while no other process does; `work` may ask the vendor meanwhile, for 30 s at most. `null` leaves it as it is;
   * what it throws changes nothing. Answers what holds then.
   */
  update(
    kind: string,
    id: string,
    work: (current: Connection | null) => Promise<Omit<Connection, 'id'> | null>,
  ): Promise<Connection | null>;
  /** Keeps what a person's browser is to bring an answer to. */
  addRequest(kind: string, id: string, sealed: Uint8Array): Promise<void>;
  /** Takes it away, so that it counts once; null: there is none, or it is older than that. */
  takeRequest(kind: string, id: string, maxAgeMs: number): Promise<Uint8Array | null>;
}
