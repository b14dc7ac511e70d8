import { glob, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";

/** What the files of one folder may import. */
interface LayoutRule {
  /** The other folders of this repository. */
  readonly folders: readonly string[];
  /**
   * Packages, each with the files of the folder that may import it. A name that ends in `/` or `:` stands for all that
   * begin with it.
   */
  readonly packages: Readonly<Record<string, readonly string[] | "everywhere">>;
}

export type Layout = Readonly<Record<string, LayoutRule>>;

interface SourceFile {
  readonly folder: string;
  /** Within its folder. */
  readonly name: string;
  readonly text: string;
}

const importPatterns = [
  /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s+["']([^"']+)["']/gm,
  /^\s*import\s+["']([^"']+)["']/gm,
  /\b(?:import|require|require\.resolve)\(\s*["']([^"']+)["']/g,
];

/** What this text imports, by value or by type. A path that is put together at run time is not seen. */
export function importsOf(text: string): string[] {
  return importPatterns.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, specifier]) => specifier ?? []));
}

/** The TypeScript files of a folder. Throws if there are none: then the rules would hold for nothing. */
export async function sourceFiles(root: string, folder: string): Promise<SourceFile[]> {
  const names = await Array.fromAsync(glob("**/*.ts", { cwd: join(root, folder) }));
  if (names.length === 0)
    throw new Error(`${folder}/ has no TypeScript file: mend its name in the table of the layout.`);
  return Promise.all(
    names.toSorted().map(async (name) => ({ folder, name, text: await readFile(join(root, folder, name), "utf8") })),
  );
}

/** Every import below `root` that the layout does not allow, each with what to do about it. */
export async function layoutViolations(root: string, layout: Layout): Promise<string[]> {
  const rules = Object.entries(layout);
  const byFolder = await Promise.all(
    rules.map(async ([folder, rule]) => {
      const files = await sourceFiles(root, folder);
      return files.flatMap((file) =>
        importsOf(file.text).flatMap((specifier) => violation(file, specifier, rule) ?? []),
      );
    }),
  );
  return byFolder.flat();
}

function violation({ folder, name }: SourceFile, specifier: string, rule: LayoutRule): string | undefined {
  const where = `${folder}/${name} imports ${specifier}`;
  const target = specifier.startsWith(".") ? normalize(join(folder, dirname(name), specifier)) : specifier;
  // A package's inner file can be reached by its path only, where the package does not export it.
  const inPackages = specifier.startsWith(".") ? target.split("node_modules/")[1] : target;
  if (inPackages === undefined) {
    const [targetFolder = ""] = target.split("/");
    if (targetFolder === folder || rule.folders.includes(targetFolder)) return undefined;
    const allowed = rule.folders.length === 0 ? "no other folder" : rule.folders.join(", ");
    return `${where}: ${folder}/ may import ${allowed}. Move what is shared downwards, or hand it in as a parameter.`;
  }
  const files = permitted(inPackages, rule.packages);
  if (files === "everywhere" || files?.includes(name)) return undefined;
  const only = files && ` outside of ${files.map((file) => `${folder}/${file}`).join(", ")}`;
  return `${where}: ${folder}/ may not${only ?? ""}. Put it behind a port, or into a folder that may.`;
}

function permitted(specifier: string, packages: LayoutRule["packages"]): LayoutRule["packages"][string] | undefined {
  // The longest name that fits is the one that counts, so that a part of what is allowed can be kept to a few files.
  const names = Object.keys(packages)
    .filter((name) => (/[/:]$/.test(name) ? specifier.startsWith(name) : `${specifier}/`.startsWith(`${name}/`)))
    .toSorted((first, second) => second.length - first.length);
  return names[0] === undefined ? undefined : packages[names[0]];
}
