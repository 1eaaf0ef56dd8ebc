/** Sends an adapter in PEFT's format; tells how much has been sent, and can be stopped. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { queryKeys } from "@/lib/query-keys";
import { sendForm } from "@/lib/send-form";
import type { AdapterImport } from "@/lib/types";

export interface NewImport {
  file: File;
  /** On whose rows answers are compared; null: on the texts that come with it. */
  dataset: string | null;
  /** Share of the texts that must be answered as by the computed model. */
  minAgreement: number;
}

export function useBringAdapter(tenant: string, task: string) {
  const client = useQueryClient();
  const [progress, setProgress] = useState(0);
  const running = useRef<AbortController>(null);
  const mutation = useMutation({
    mutationFn: ({ file, dataset, minAgreement }: NewImport): Promise<AdapterImport> => {
      running.current = new AbortController();
      setProgress(0);
      const form = new FormData();
      form.append("file", file);
      if (dataset !== null) form.append("dataset", dataset);
      form.append("min_agreement", String(minAgreement));
      const path = `/api/v1/tenants/${encodeURIComponent(tenant)}/tasks/${encodeURIComponent(task)}/imports`;
      return sendForm(path, form, { signal: running.current.signal, onProgress: setProgress });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queryKeys.imports(tenant, task) }),
  });
  return { ...mutation, progress, stop: () => running.current?.abort() };
}
