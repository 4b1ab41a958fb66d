import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Check } from '../core/check.ts';
import { chooseModel, createModel } from '../models/index.ts';
import type { Model } from '../models/model.ts';
import { createSandboxDriver } from '../sandboxes/index.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { findUnmountedToolchains } from '../sandboxes/toolchains.ts';
import { openDatabase } from '../store/open-database.ts';

/** The parts that a configuration chooses, and what can be asked of them before anything else runs. */

export const noModel =
  'No model: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or name one under "model" in shipmate.yaml.';

/** The model that the configuration names, else one by the keys that are set; null without either. */
export function modelSpec(config: Config): string | null {
  return config.model ?? chooseModel(keysOf(config), baseUrlsOf(config));
}

/** null where `modelSpec` is. */
export function openModel(config: Config): Model | null {
  const spec = modelSpec(config);
  if (spec === null) return null;
  return createModel(spec, { keys: keysOf(config), baseUrls: baseUrlsOf(config), prices: config.models.prices });
}

function keysOf({ models }: Config) {
  const { anthropic, openai, gemini } = models;
  return {
    anthropic: anthropic.apiKey ?? undefined,
    openai: openai.apiKey ?? undefined,
    gemini: gemini.apiKey ?? undefined,
  };
}

function baseUrlsOf({ models }: Config) {
  const { anthropic, openai, gemini } = models;
  return {
    anthropic: anthropic.baseUrl ?? undefined,
    openai: openai.baseUrl ?? undefined,
    gemini: gemini.baseUrl ?? undefined,
  };
}

export async function openSandboxDriver(config: Config): Promise<SandboxDriver> {
  const { driver, uid, readOnlyPaths, memory, processes } = config.sandbox;
  const tempDir = join(config.dataDir, 'tmp');
  await mkdir(tempDir, { recursive: true });
  return createSandboxDriver({
    kind: driver,
    options: {
      uid,
      readOnlyPaths,
      limits: { memoryBytes: memory, processes },
      searchPath: config.searchPath,
      tempDir,
    },
  });
}

/** Whether commands can be kept apart from this machine, by trying. */
export async function probeSandbox(config: Config): Promise<Check[]> {
  return (await openSandboxDriver(config)).probe();
}

/** Names of the migrations that were missing. */
export async function migrateDatabase(config: Config): Promise<string[]> {
  const { applied, release } = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  await release();
  return applied;
}

/** Programs on our PATH that sandboxed commands will not find. */
export async function unmountedToolchains(config: Config): Promise<Check[]> {
  const found = await findUnmountedToolchains(config.searchPath, config.sandbox.readOnlyPaths);
  return found.map(({ name, path }) => ({
    name: 'toolchain',
    status: 'warning',
    message: `${name} (${path}) is not visible in the sandbox`,
    remedy: 'Add its directory to sandbox.readOnlyPaths if your repositories need it.',
  }));
}
