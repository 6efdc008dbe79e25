# The Java compiler, as a worker: JavaCompiler.java calls it by its API, 40 lines.
#
# A JVM starts in a fraction of a second, but what runs in it is slow until it is compiled itself: the first source
# takes a second, the hundredth some milliseconds. A job is the name of a source file; the answer lists the class files
# with their sizes, or the first error.
#
#     ls *.java | prefork run -w 2 -- java -cp build JavaCompiler
title='javac, a class of 60 methods'
apt='default-jdk-headless'
count=100
sample=5

prepare() {
  local number method
  mkdir classes && javac -d classes "$gallery/JavaCompiler.java" || return
  for ((number = 100; number < 100 + count; number++)); do
    {
      echo "import java.util.*; import java.util.stream.*; public class Source$number {"
      for method in {1..60}; do
        echo "  static List<String> sorted$method(Map<String, Integer> counts) {" \
          "return counts.entrySet().stream().filter(each -> each.getValue() > $((number + method)))" \
          ".map(Map.Entry::getKey).sorted().collect(Collectors.toList()); }"
      done
      echo '}'
    } >"Source$number.java"
  done
}

jobs() { ls Source*.java; }

cold() { java -cp classes JavaCompiler <<<"$1"; }

warm() { "$prefork" run -q -w 1 -- java -cp classes JavaCompiler; }
