# Read by the other scripts of this folder, from the repository root: the launcher finds the JDK.
JAVA_HOME=$(./bifolio jdk) || exit 2
export JAVA_HOME
command -v mvn >/dev/null 2>&1 || {
  echo "${0##*/}: Maven 3.8.7 or newer is needed and is not on PATH" >&2
  exit 2
}
mkdir -p target
