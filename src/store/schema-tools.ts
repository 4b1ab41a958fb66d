import type { ListedTool, PinnedTools } from '../core/tool-server.ts';
import type { Json, NullableJson, NullableTime, Time } from './schema.ts';

/** Tables of tools that are not ours. */
export interface ToolTables {
  tool_servers: {
    name: string;
    version: string;
    hash: string;
    tools: Json<ListedTool[]>;
    pinned_at: Time;
    seen_version: string | null;
    offered: NullableJson<PinnedTools>;
    offered_at: NullableTime;
  };
}
