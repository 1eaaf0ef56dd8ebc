/** Sends a large file piece by piece: goes on after a cut connection, and after the page was loaded anew. */

import { api, body } from "@/lib/api";
import { ApiError, isTransient } from "@/lib/api-error";
import { type Sending, stoppedError } from "@/lib/send-form";
import type { DatasetDetail, DatasetUpload } from "@/lib/types";

import { declaredOf, type Upload } from "./upload-dataset";

export const chunkBytes = 4 * 1024 * 1024;
const waitsMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

export async function sendInChunks(tenant: string, upload: Upload, sending: Sending): Promise<DatasetDetail> {
  const { file } = upload;
  const { id, offset: start } = await patiently(() => begun(tenant, upload), sending);
  let offset = start;
  while (offset < file.size) {
    sending.onProgress(offset / file.size);
    const chunk = file.slice(offset, offset + chunkBytes);
    offset = await patiently(() => appended(tenant, id, offset, chunk, sending.signal), sending);
  }
  sending.onProgress(1);
  const made = await patiently(
    async () =>
      body(
        await api.POST("/api/v1/tenants/{tenant}/uploads/{upload}/dataset", {
          params: { path: { tenant, upload: id } },
          signal: sending.signal,
        }),
      ),
    sending,
  );
  localStorage.removeItem(noteOf(tenant, upload));
  return made;
}

/** The upload that was begun before with the very same file, in this browser, or a new one. */
async function begun(tenant: string, upload: Upload): Promise<DatasetUpload> {
  const { file } = upload;
  const note = noteOf(tenant, upload);
  const before = await known(tenant, localStorage.getItem(note));
  if (before) return before;
  const made = body(
    await api.POST("/api/v1/tenants/{tenant}/uploads", {
      params: { path: { tenant } },
      body: {
        file_name: file.name.slice(0, 300),
        num_bytes: file.size,
        ...declaredOf(upload),
      },
    }),
  );
  localStorage.setItem(note, made.id);
  return made;
}

/** The upload of this id if it is still there and waits for bytes. */
async function known(tenant: string, id: string | null): Promise<DatasetUpload | null> {
  if (id === null) return null;
  try {
    const path = { tenant, upload: id };
    const upload = body(await api.GET("/api/v1/tenants/{tenant}/uploads/{upload}", { params: { path } }));
    return upload.dataset === null ? upload : null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Another file of the same name and size has another date; the same file read in another way is another upload. */
function noteOf(tenant: string, upload: Upload): string {
  const { name, size, lastModified } = upload.file;
  const declared = Object.values(declaredOf(upload)).join(" ");
  return `hmi-upload ${tenant} ${name} ${size} ${lastModified} ${declared}`;
}

/** Sends one piece; the answer is where the next one begins, which the server also tells when it has this one already. */
async function appended(
  tenant: string,
  id: string,
  offset: number,
  chunk: Blob,
  signal: AbortSignal,
): Promise<number> {
  try {
    const answer = await api.PATCH("/api/v1/tenants/{tenant}/uploads/{upload}", {
      params: { path: { tenant, upload: id }, header: { "Upload-Offset": offset } },
      headers: { "Content-Type": "application/octet-stream" },
      body: chunk as unknown as string,
      bodySerializer: (bytes: unknown) => bytes as Blob,
      signal,
    });
    return body(answer).offset;
  } catch (error) {
    const known = offsetTold(error);
    if (known === null) throw error;
    return known;
  }
}

function offsetTold(error: unknown): number | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  const { details } = error;
  if (typeof details !== "object" || details === null || !("offset" in details)) return null;
  return typeof details.offset === "number" ? details.offset : null;
}

/** Tries again, ever more slowly, while trying again could help and nobody has stopped it. */
async function patiently<T>(what: () => Promise<T>, { signal }: Sending): Promise<T> {
  for (const wait of [...waitsMs, null]) {
    refuseStopped(signal);
    try {
      return await what();
    } catch (error) {
      refuseStopped(signal);
      if (wait === null || !isTransient(error)) throw error;
      await pause(wait, signal);
    }
  }
  throw stoppedError();
}

function refuseStopped(signal: AbortSignal): void {
  if (signal.aborted) throw stoppedError();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
