/** Uploads a file of labelled text; tells how much has been sent, and can be stopped. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { queryKeys } from "@/lib/query-keys";
import { sendForm, type Sending } from "@/lib/send-form";
import type { DatasetDetail, TaskKind } from "@/lib/types";

import { chunkBytes, sendInChunks } from "./send-in-chunks";

export interface Upload {
  file: File;
  kind: TaskKind;
  textColumn?: string;
  labelColumn?: string;
  /** Of kind sentence_pair: the second text. */
  pairColumn?: string;
  /** Of kind multi_label: what stands between the labels of a row. */
  labelSeparator?: string;
}

/** What is said of the file beside its bytes, as both ways of sending take it; what is empty is found by itself. */
export function declaredOf({ kind, textColumn, labelColumn, pairColumn, labelSeparator }: Upload) {
  return {
    kind,
    ...(textColumn && { text_column: textColumn }),
    ...(labelColumn && { label_column: labelColumn }),
    ...(kind === "sentence_pair" && pairColumn && { pair_column: pairColumn }),
    ...(kind === "multi_label" && labelSeparator && { label_separator: labelSeparator }),
  };
}

function sendWhole(tenant: string, upload: Upload, sending: Sending): Promise<DatasetDetail> {
  const form = new FormData();
  form.append("file", upload.file);
  for (const [name, value] of Object.entries(declaredOf(upload))) form.append(name, value);
  return sendForm(`/api/v1/tenants/${encodeURIComponent(tenant)}/datasets`, form, sending);
}

export function useUploadDataset(tenant: string) {
  const client = useQueryClient();
  const [progress, setProgress] = useState(0);
  const running = useRef<AbortController>(null);
  const mutation = useMutation({
    mutationKey: queryKeys.uploads(tenant),
    mutationFn: (upload: Upload) => {
      const controller = new AbortController();
      running.current = controller;
      setProgress(0);
      const sending = { signal: controller.signal, onProgress: setProgress };
      const send = upload.file.size > chunkBytes ? sendInChunks : sendWhole;
      return send(tenant, upload, sending);
    },
    onSuccess: (dataset) => {
      client.setQueryData(queryKeys.dataset(tenant, dataset.id), dataset);
      return client.invalidateQueries({ queryKey: queryKeys.datasets(tenant) });
    },
    onSettled: () => client.invalidateQueries({ queryKey: queryKeys.uploads(tenant) }),
  });
  return { ...mutation, progress, stop: () => running.current?.abort() };
}
