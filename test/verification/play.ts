import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Baseline, takeBaseline } from '../../src/verification/baseline.ts';
import { verify } from '../../src/verification/verify.ts';
import { createRepository, type Files, type TestRepository, temporaryRoot } from './git-trees.ts';
import { packageJson, redShop, shop } from './shop.ts';

/** Half the time of a process for each file, where the difference is none. */
export const oneProcess = 'node --test --test-isolation=none';
export const eachFile = 'node --test';

export interface Script {
  name: string;
  files: Files;
  base?: 'shop' | 'redShop';
  command?: string;
  isBug?: boolean;
  verdict: 'proved' | 'unproved' | 'regressed';
  /** One of the findings says this. */
  says?: RegExp;
  reproduced?: boolean;
  /** Trees that had to be run. */
  checkouts?: number;
}

export const scripts = (edit: Record<string, string>) =>
  JSON.stringify({ ...packageJson, scripts: { ...packageJson.scripts, ...edit } }, null, 2);
export const without = (text: string, from: string, to: string) =>
  text.slice(0, text.indexOf(from)) + text.slice(text.indexOf(to));

/** Plays scripts on the two repositories, which are made before this file's tests and removed after them. */
export function usePlay() {
  let root: string;
  let repositories: Record<'shop' | 'redShop', TestRepository>;
  const baselines = new Map<string, Promise<Baseline>>();

  beforeAll(async () => {
    root = await temporaryRoot();
    repositories = {
      shop: await createRepository(root, 'shop', shop),
      redShop: await createRepository(root, 'red-shop', redShop),
    };
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  return async function play(script: Script) {
    const { base = 'shop', command = oneProcess } = script;
    const trees = await repositories[base].change(script.files);
    const commands = { fast: [command], full: [], fix: [], scan: [] };
    const { signal } = new AbortController();
    const key = `${base}: ${command}`;
    if (!baselines.has(key)) baselines.set(key, takeBaseline({ trees, commands, signal }));
    const baseline = (await baselines.get(key)) as Baseline;
    trees.checkouts.length = 0;
    const { proof } = await verify({
      ...{ trees, commands, baseline, signal },
      stage: 'full',
      ticket: { isBug: script.isBug ?? false },
    });
    const found = proof.findings.join('\n');
    expect(proof.verdict, found).toBe(script.verdict);
    if (script.says) expect(found).toMatch(script.says);
    if (script.reproduced) expect(proof.reproduced).toBe(true);
    if (script.checkouts !== undefined) expect(trees.checkouts).toHaveLength(script.checkouts);
    return proof;
  };
}
