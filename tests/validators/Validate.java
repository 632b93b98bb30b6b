import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Validate FILE FLAVOUR ...: prints of each flavour whether the file holds by it, how much was checked, and what does not hold. */
public class Validate {
    private static final int SHOWN = 20;

    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (int at = 1; at < arguments.length; at++) {
            PDFAFlavour flavour = PDFAFlavour.fromString(arguments[at]);
            try (FileInputStream in = new FileInputStream(arguments[0]);
                    PDFAParser parser = Foundries.defaultInstance().createParser(in, flavour);
                    PDFAValidator validator =
                            Foundries.defaultInstance().createValidator(flavour, SHOWN, false, true, false)) {
                ValidationResult result = validator.validate(parser);
                System.out.println(flavour.getId() + "\t" + result.isCompliant() + "\t" + result.getTotalAssertions());
                for (TestAssertion each : result.getTestAssertions())
                    System.err.println(each.getRuleId() + ": " + each.getMessage() + ": " + each.getLocation().getContext());
            }
        }
    }
}
