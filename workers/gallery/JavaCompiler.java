import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/** Compiles the source file that each line names. The answer: the class files with their sizes, or the first error. */
public class JavaCompiler {
    public static void main(String[] arguments) throws Exception {
        var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // what the compiler may print is no answer
        var compiler = ToolProvider.getSystemJavaCompiler();
        var jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String job; (job = jobs.readLine()) != null; ) {
            var output = Files.createTempDirectory("classes");
            var diagnostics = new DiagnosticCollector<JavaFileObject>();
            try (var files = compiler.getStandardFileManager(diagnostics, null, null)) {
                var options = List.of("-d", output.toString());
                var task = compiler.getTask(null, files, diagnostics, options, null, files.getJavaFileObjects(job));
                answers.println(task.call() ? sizes(output) : "error: " + first(diagnostics));
            } finally {
                try (Stream<Path> all = Files.walk(output)) {
                    all.sorted((a, b) -> b.compareTo(a)).forEach(path -> path.toFile().delete());
                }
            }
        }
    }

    private static String first(DiagnosticCollector<JavaFileObject> diagnostics) {
        return diagnostics.getDiagnostics().get(0).getMessage(null).replace('\n', ' ');
    }

    private static String sizes(Path folder) throws Exception {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).sorted()
                    .map(path -> path.getFileName() + " " + path.toFile().length()).collect(Collectors.joining(", "));
        }
    }
}
