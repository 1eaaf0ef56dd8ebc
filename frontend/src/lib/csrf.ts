/** The token that shows that a change comes from our own page. */

const cookieName = "csrftoken";

/** Header for requests that change something; empty before the first visit to the sign-in API has set the cookie. */
export function csrfHeaders(): Record<string, string> {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith(`${cookieName}=`));
  return cookie ? { "X-CSRFToken": decodeURIComponent(cookie.slice(cookieName.length + 1)) } : {};
}
