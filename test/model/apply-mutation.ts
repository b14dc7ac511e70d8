import { registerHooks } from "node:module";
import type { Mutation } from "./mutations.ts";

const root = new URL("../../", import.meta.url);

/** Has this process load the mutated source instead of the file's own; no file is changed. To be called before the import. */
export function applyMutation({ name, file, find, replace }: Mutation): void {
  const mutated = new URL(file, root).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== mutated) return loaded;
      const parts = String(loaded.source).split(find);
      if (parts.length !== 2) throw new Error(`"${name}" finds its place ${parts.length - 1} times in ${file}.`);
      return { ...loaded, source: parts.join(replace) };
    },
  });
}
