/** Sends a form with a file in one piece and tells how much has been sent: fetch() cannot. */

import { ApiError, apiErrorFrom, unreachableError } from "@/lib/api-error";
import { csrfHeaders } from "@/lib/csrf";

export interface Sending {
  signal: AbortSignal;
  /** Share of the bytes sent, 0 to 1; 1 means that the server is now reading the file. */
  onProgress: (share: number) => void;
}

/** POSTs `form` to `path`; what a 201 answers. */
export function sendForm<T>(path: string, form: FormData, { signal, onProgress }: Sending): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    for (const [name, value] of Object.entries(csrfHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => {
      if (request.status === 201) resolve(request.response as T);
      else reject(apiErrorFrom(request.status, request.response));
    };
    request.onerror = () => reject(unreachableError());
    request.onabort = () => reject(stoppedError());
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

export function stoppedError(): ApiError {
  return new ApiError({ status: 0, code: "stopped", message: "The upload was stopped." });
}
