/** Parts of a page's address; the routes guarantee that those a page asks for are there. */

import { useParams } from "react-router";

type Name = "tenant" | "task" | "training" | "version" | "dataset" | "domain";

export function useParam(name: Name): string {
  const value = useParams()[name];
  if (value === undefined) throw new Error(`this page's address has no ${name}`);
  return value;
}
