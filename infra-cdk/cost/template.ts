import * as z from "zod";

/** A synthesized template, as far as costs go by it. */
export const Template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
export type Template = z.infer<typeof Template>;

/** The properties of all resources of a type, as `schema` reads them. */
export function resourcesOf<Schema extends z.ZodType>({ Resources }: Template, type: string, schema: Schema) {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) =>
    Type === type ? [{ id, properties: schema.parse(Properties) }] : [],
  );
}

/** One position of a bill. */
export interface CostLine {
  readonly what: string;
  readonly quantity: string;
  /** At list prices. */
  readonly dollars: number;
  /** The part of it that is left after what every account has for nothing. */
  readonly billed: number;
}

export function line(what: string, quantity: string, dollars: number, billed = dollars): CostLine {
  return { what, quantity, dollars, billed };
}

export function total(lines: readonly CostLine[], column: "dollars" | "billed"): number {
  return lines.reduce((sum, { [column]: dollars }) => sum + dollars, 0);
}

const Memory = z.object({ MemorySize: z.number() });

/** In gigabytes, of the function with this id. */
export function memoryOf({ Resources }: Template, functionId: string): number {
  return Memory.parse(Resources[functionId]?.Properties).MemorySize / 1_024;
}
